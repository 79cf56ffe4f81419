// Numbers that stand in the page as base64.

/** The array of this type that a base64 string holds. */
export function unpacked(text, type) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : slowly(text);
  return type === Uint8Array ? bytes : new type(bytes.buffer);
}

function slowly(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
