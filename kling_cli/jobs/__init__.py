"""Jobs from order to saved files: prepare, submit, wait, save; and tasks that exist."""
