"""The launchers: a checked command line becomes processes, which are started and watched."""
