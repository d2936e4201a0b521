"""One module for each subcommand: what it takes, and the work, which never meets a flag."""
