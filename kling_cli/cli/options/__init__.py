"""Options and arguments: groups that commands share, fields of products."""
