"""Files that the program keeps: directories, atomic writes, locks."""
