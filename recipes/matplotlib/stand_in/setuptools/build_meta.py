"""A stand-in for this build backend; Pillow's own backend makes a class of its own from it."""

from maturin import prepare_metadata_for_build_wheel  # of pycrdt's recipe, on the path as well

__all__ = ["build_wheel", "prepare_metadata_for_build_wheel"]


class _Backend:
    def build_wheel(self, *_: object) -> str:
        raise NotImplementedError("it stands in for a download only")

    build_editable = build_wheel


build_wheel = _Backend().build_wheel
