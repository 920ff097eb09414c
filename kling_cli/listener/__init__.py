"""The standing listener of `kling listen`: receives, stores and forwards callbacks.

`service` runs it; `pipeline` is what happens to each callback, in order. `forwarding/`
delivers to the user's app, `ingress/` makes the listener reachable, `history/` reads
stored callbacks for `kling events` and `kling replay`.
"""
