"""The facetrack command line: ``main`` parses, one module per subcommand offers ``add_arguments`` and ``run``."""
