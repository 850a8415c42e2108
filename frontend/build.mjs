// Bundles src/ into ../tb_lossdiag/static: index.js, index.css and the licences of what is inside them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

/** Modules of constants are computed here, once, so that what computes them is not shipped. */
const constants = {
  name: "constants",
  setup({ onLoad }) {
    onLoad({ filter: /\/ramps\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({ entryPoints: [path], bundle: true, format: "esm", write: false });
      const code = Buffer.from(outputFiles[0].contents).toString("base64");
      const values = Object.entries(await import(`data:text/javascript;base64,${code}`));
      return { contents: values.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n") };
    });
  },
};

const out = "../tb_lossdiag/static";
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  entryPoints: { index: "src/index.tsx" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2024",
  minify: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  plugins: [constants],
  logLevel: "warning",
});

const bundled = Object.entries(metafile.outputs)
  .filter(([path]) => path.endsWith(".js") || path.endsWith(".css"))
  .flatMap(([, output]) => Object.keys(output.inputs));
const packages = new Set(bundled.map(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
packages.add("d3-scale-chromatic"); // its colours are in the bundle, see ramps.ts
const notices = [...packages].sort().map(name => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
  if (!file || !existsSync(`${folder}/${file}`)) throw new Error(`${name} has no licence file: do not ship it`);
  return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
writeFileSync(`${out}/THIRD_PARTY_LICENSES.txt`, notices.join(`\n${"-".repeat(80)}\n\n`));
