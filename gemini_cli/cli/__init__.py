"""The command line: the application, its commands, and the code that they share."""
