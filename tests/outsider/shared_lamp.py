"""A lamp that everybody in the room switches on and off."""

import anywidget
import traitlets

__all__ = ["Lamp", "share"]


class Lamp(anywidget.AnyWidget):
    """A button that is a lamp."""

    _esm = """
    function render({ model, el }) {
      const button = document.createElement("button");
      button.className = "lamp";
      const show = () => {
        button.textContent = model.get("is_on") ? `On (${model.get("percent")} %)` : "Off";
      };
      button.addEventListener("click", () => {
        model.set("is_on", !model.get("is_on"));
        model.save_changes();
      });
      model.on("change", show);
      show();
      el.appendChild(button);
    }
    export default { render };
    """
    is_on = traitlets.Bool(False).tag(sync=True)
    percent = traitlets.Int(100).tag(sync=True)

    def dim(self, percent: int) -> None:
        """Give less light."""
        if not 0 < percent <= 100:
            raise ValueError(f"a lamp gives 1 to 100 percent of its light, not {percent}")
        self.percent = percent


def share(room, name: str = "lamp") -> Lamp:
    """Make a lamp that all in the room have."""
    return room.share(Lamp(), name)
