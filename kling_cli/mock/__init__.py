"""Mock callbacks for testing handlers, sent by `kling trigger`.

`scenarios` says what is sent, `sender` sends it, `conformance` checks the responses.
"""
