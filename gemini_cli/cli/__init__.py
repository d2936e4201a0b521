"""The command line: the app, its options, and what the commands share."""
