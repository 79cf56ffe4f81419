// Elements are made here alone: text from data goes in as text, never as markup.

/** An element: properties beside `class`, `text`, `on` and `data` are attributes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button; `label` is what it says, `properties` as of `h`. */
export function button(label, action, properties = {}) {
  return h("button", { type: "button", text: label, ...properties, on: { click: action } });
}

export const byId = (id) => document.getElementById(id);

/** Says something to those who do not see the page. */
export function announce(text) {
  byId("live").textContent = text;
}

/** Whether the user wants nothing to move. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
