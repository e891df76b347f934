"""Write a rank table for this host, or merge the tables of several hosts: see --help."""

import sys

from launching.new_table import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
