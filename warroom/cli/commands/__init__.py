"""One module for each family of commands; `warroom.cli.table` says which is where."""
