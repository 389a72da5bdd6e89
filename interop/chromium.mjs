// Unpacks the Chromium of the npm package @sparticuz/chromium into a folder, with a
// script "chromium" that starts it with its libraries:
//   node interop/chromium.mjs .tools/npm .tools/chromium
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [npm, out] = process.argv.slice(2).map((p) => resolve(p));
const packed = join(npm, "node_modules/@sparticuz/chromium/bin");
await mkdir(out, { recursive: true });
const unpack = (from, to) => pipeline(createReadStream(join(packed, from)), createBrotliDecompress(), createWriteStream(join(out, to)));
await unpack("chromium.br", "browser");
await chmod(join(out, "browser"), 0o755);
for (const archive of ["al2023.tar", "fonts.tar", "swiftshader.tar"]) {
  await unpack(archive + ".br", archive);
  execFileSync("tar", ["-xf", archive], { cwd: out });
}
// The package's own list of fonts names the folders of a Lambda function.
const fonts = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(out, "fonts")}</dir><cachedir>${join(out, "fonts-cache")}</cachedir></fontconfig>
`;
await writeFile(join(out, "fonts.conf"), fonts);
await writeFile(
  join(out, "chromium"),
  `#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" FONTCONFIG_PATH="$here"
exec "$here/browser" "$@"
`,
  { mode: 0o755 },
);
