"""The standing listener: takes callbacks, shows them, passes them on, replays them."""
