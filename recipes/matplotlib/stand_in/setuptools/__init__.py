"""A stand-in for setuptools while pip downloads a source archive: its `build_meta` alone."""
