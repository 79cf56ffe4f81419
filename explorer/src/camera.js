// How a view is zoomed and moved by the wheel and the mouse, the same for both.

import { select } from "d3-selection";
import { zoom } from "d3-zoom";

/** A zoom of a view's canvas that sets its `camera`; what a person has done is then settled. */
export function movable(view, canvas) {
  const behaviour = zoom()
    .filter((event) => !event.button && (!event.ctrlKey || event.type === "wheel"))
    .clickDistance(4)
    .on("zoom", ({ transform }) => {
      view.camera = transform;
      view.surface.change();
    })
    .on("end", ({ sourceEvent }) => {
      if (sourceEvent) view._settle();
    });
  select(canvas).call(behaviour).on("dblclick.zoom", null);
  return behaviour;
}
