// Makes the page's files in tfsp/explorer/page from the sources here; with --check says whether those
// that are there are the ones that would be made.

import { build } from "esbuild";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = join(HERE, "..", "tfsp", "explorer", "page");
const SOURCES = join(HERE, "src");

async function made() {
  const options = { bundle: true, write: false, minify: true, legalComments: "none", charset: "utf8" };
  const script = await build({
    ...options,
    entryPoints: [join(SOURCES, "main.js")],
    format: "iife",
    target: ["chrome110", "firefox115", "safari16.4"],
    metafile: true,
  });
  const style = await build({ ...options, entryPoints: [join(SOURCES, "explorer.css")] });
  return {
    "explorer.js": script.outputFiles[0].text,
    "explorer.css": style.outputFiles[0].text,
    "explorer.html": readFileSync(join(SOURCES, "explorer.html"), "utf8"),
    "LICENSES.txt": licences(script.metafile),
  };
}

/** The licences of the packages of which something is in the bundle. */
function licences(metafile) {
  const names = Object.keys(metafile.inputs)
    .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter((name) => name !== undefined);
  const parts = [...new Set(names)].sort().map((name) => {
    const folder = join(HERE, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${name} has no file with its licence.`);
    const text = readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const head = "The page of `tfsp explore` (explorer.js) holds parts of these packages.\n";
  return [head, ...parts].join(`\n${"-".repeat(72)}\n\n`);
}

const files = await made();
if (/<\/script|<!--/.test(files["explorer.js"])) throw new Error("The bundle would end its own element.");
if (process.argv.includes("--check")) {
  const differ = Object.entries(files)
    .filter(([name, text]) => {
      const path = join(TARGET, name);
      return !existsSync(path) || readFileSync(path, "utf8") !== text;
    })
    .map(([name]) => `tfsp/explorer/page/${name}`);
  if (differ.length) {
    console.error(
      `Not what explorer/ makes: ${differ.join(", ")}. Run \`npm run build\` in explorer/ and ` +
        "commit the files.",
    );
    process.exit(1);
  }
  console.log("tfsp/explorer/page is what explorer/ makes.");
} else {
  mkdirSync(TARGET, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(TARGET, name), text);
    console.log(`tfsp/explorer/page/${name}: ${text.length} characters`);
  }
}
