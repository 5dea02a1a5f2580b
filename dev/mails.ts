import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import PostalMime, { type Email } from "postal-mime";
import type { IncomingMail } from "./smtp.ts";

export type Mail = Email & {
  id: string;
  receivedAt: Date;
  /** From the envelope, not the headers. */
  recipients: string[];
  source: string;
};

/** Keeps the mail as `<id>.eml` in the folder, which it creates if needed. */
export async function saveMail(folder: string, { raw, from, to }: IncomingMail): Promise<void> {
  await mkdir(folder, { recursive: true });
  const id = `${Date.now()}-${randomBytes(4).toString("hex")}`;

  // The envelope goes into the headers that mail servers add at delivery.
  const envelope = [`Return-Path: <${from}>`, ...to.map((address) => `Delivered-To: ${address}`), ""].join("\r\n");
  // Renamed when complete: the list may be read at the same time.
  await writeFile(`${folder}/${id}.part`, Buffer.concat([Buffer.from(envelope), raw]));
  await rename(`${folder}/${id}.part`, `${folder}/${id}.eml`);
}

/** All mails, newest first. Their bodies are not read: there may be thousands. */
export async function listMails(folder: string): Promise<Mail[]> {
  const mails: Mail[] = [];
  // One after the other: the number of open files is limited.
  for (const id of await listIds(folder)) {
    const mail = await read(folder, id, (raw) => raw.subarray(0, raw.indexOf("\r\n\r\n")));
    if (mail) mails.unshift(mail);
  }
  return mails;
}

/** The mail with this id, if there is one. */
export function readMail(folder: string, id: string): Promise<Mail | undefined> {
  return read(folder, id, (raw) => raw);
}

async function read(folder: string, id: string, part: (raw: Buffer) => Buffer): Promise<Mail | undefined> {
  // The id comes from the URL and becomes part of a path.
  const [, milliseconds] = /^(\d{13})-[0-9a-f]{8}$/.exec(id) ?? [];
  if (!milliseconds) return;

  const raw = await readFile(`${folder}/${id}.eml`).catch(missing);
  if (!raw) return;

  const email = await PostalMime.parse(part(raw));
  const recipients = email.headers.filter(({ key }) => key === "delivered-to").map(({ value }) => value);
  return { ...email, id, receivedAt: new Date(Number(milliseconds)), recipients, source: raw.toString() };
}

export async function deleteMails(folder: string): Promise<void> {
  const ids = await listIds(folder);
  await Promise.all(ids.map((id) => rm(`${folder}/${id}.eml`, { force: true })));
}

async function listIds(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(missing)) ?? [];
  const mails = names.filter((name) => name.endsWith(".eml"));
  return mails.map((name) => name.slice(0, -".eml".length)).toSorted();
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
  throw error;
}
