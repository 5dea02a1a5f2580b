import request from "supertest";
import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { serveApp } from "../support/web.ts";
import { createDevice, type Device } from "./device.ts";

type Agent = ReturnType<typeof request.agent>;

/** The site on localhost, where browsers allow passkeys without https, and browsers with cookies of their own. */
export async function servePasskeys(sql: Sql, options: Parameters<typeof serveApp>[1] = {}) {
  const url = await serveApp(sql, { host: "localhost", ...options });

  /** A browser, logged in with the cookie if it has one. */
  const openBrowser = (cookie = ""): Agent => {
    const agent = request.agent(url);
    if (cookie) agent.jar.setCookie(cookie);
    return agent;
  };

  /** A logged-in user with a passkey. */
  const addOwner = async (person = ada) => {
    const usrId = await addUser(sql, person);
    const browser = openBrowser(await openSession(sql, usrId));
    const device = createDevice(url);
    await addPasskey(browser, device);
    return { usrId, browser, device };
  };

  return { url, openBrowser, addOwner };
}

/** The options of a ceremony. */
export async function ask(agent: Agent, path: string) {
  const response = await agent.post(`${path}/options`).expect(200);
  return options.parse(response.body);
}

const options = z.looseObject({ challenge: z.string() });

export const post = (agent: Agent, path: string, fields: object) => agent.post(path).type("form").send(fields);

export async function addPasskey(agent: Agent, device: Device, name = "Laptop"): Promise<void> {
  const credential = device.create(await ask(agent, "/account/passkeys/add"));
  await post(agent, "/account/passkeys/add", { name, credential })
    .expect(303)
    .expect("Location", "/account?passkey-added");
}

export async function logInBy(agent: Agent, device: Device, quirks: Parameters<Device["sign"]>[1] = {}) {
  const credential = device.sign(await ask(agent, "/login/passkey"), quirks);
  return post(agent, "/login/passkey", { credential });
}

/** The account of the session, if there is one. */
export async function isLoggedIn(agent: Agent): Promise<boolean> {
  return (await agent.get("/account")).status === 200;
}
