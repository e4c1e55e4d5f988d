"""The command `storeedge`, one subcommand a file."""
