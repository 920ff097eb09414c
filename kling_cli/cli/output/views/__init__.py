"""The views: what each kind of result looks like in columns, in detail and as JSON."""
