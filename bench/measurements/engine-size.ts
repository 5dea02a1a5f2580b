import { readdir, readFile } from "node:fs/promises";
import { atMost, type Report } from "../bench.ts";

const folder = new URL("../../worker/engine/", import.meta.url);

/** Lines and source files of the engine, comments and empty lines included. */
export async function engineSize(): Promise<Report> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const lines = texts.reduce((sum, text) => sum + text.split("\n").length - 1, 0);
  return {
    tables: [{ head: ["", "lines", "files"], rows: [["worker/engine/", String(lines), String(files.length)]] }],
    goals: [atMost("lines", lines, 1500), atMost("files", files.length, 16)],
    counted: "Lines of all source files, comments and empty lines included. Its README is not counted.",
    notes: [],
  };
}
