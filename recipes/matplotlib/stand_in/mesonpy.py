"""A stand-in for the build backend meson-python while pip downloads a source archive."""

from maturin import prepare_metadata_for_build_wheel  # of pycrdt's recipe, on the path as well

__all__ = ["prepare_metadata_for_build_wheel"]
