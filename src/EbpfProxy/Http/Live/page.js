"use strict";
// Asks the daemon every two seconds. Rates are between two answers.
const every = 2000;
let before = null, latest = null;

const of = id => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return short.format(value) + " " + units[unit];
}

function row(cells, name) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const box = document.createElement("td");
    box.textContent = cell;
    line.append(box);
  }
  if (name) line.className = name;
  return line;
}

function fill(id, rows, otherwise) {
  const body = of(id).tBodies[0];
  body.replaceChildren(...(rows.length ? rows : [row([otherwise])]));
}

function facts(pairs) {
  of("facts").replaceChildren(...pairs.flatMap(([name, value, isBad]) => {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    if (isBad) text.className = "bad";
    return [term, text];
  }));
}

// What grew between two answers, a second; 0 where there is none before.
const rate = (now, old, seconds) => old == null || now < old || seconds <= 0 ? 0 : (now - old) / seconds;

const ended = ["translated", "connection_opened", "peer_added", "peer_removed", "affinity_added", "left_to_conntrack"];

function show(data) {
  // The daemon reads no more than once a second: with another filter the same moment may come again, and rates stay those up to it.
  if (latest && data.time !== latest.time) before = latest;
  latest = data;
  const seconds = before ? (data.time - before.time) / 1000 : 1;
  of("node").textContent = data.node;
  facts([
    ["version", data.version],
    ["source", data.source + (data.sourceError ? ": " + data.sourceError : ""), data.sourceError],
    ["last sync", data.lastSync ?? "none yet", !data.lastSync],
    ["last failure", data.syncError ?? "none", data.syncError],
    ["services, backends", number.format(data.serviceCount) + ", " + number.format(data.backendCount)],
    ["devices", data.devices + " with programs" + (data.devicesFailed ? ", " + data.devicesFailed + " without" : ""), data.devicesFailed],
    ["new connections go", data.fastPath ? "around the stack" : "through the stack: " + data.fastPathReason],
  ]);
  fill("maps", data.maps.map(map => row([map.table, number.format(map.inUse), number.format(map.capacity), Math.floor(100 * map.inUse / map.capacity) + "%"])), "none");
  fill("refusals", Object.entries(data.events).filter(([reason, count]) => count && !ended.includes(reason)).map(([reason, count]) => {
    const now = rate(count, before?.events[reason], seconds);
    return row([reason, short.format(now), number.format(count)], now ? "bad" : "");
  }), "nothing so far");
  const old = new Map((before?.services ?? []).map(service => [service.id + service.name, service]));
  fill("services", data.services.map(service => {
    const was = old.get(service.id + service.name);
    const rates = ["opened", "sent", "received", "refused"].map(field => rate(service[field], was?.[field], seconds));
    // Not measured is not 0.
    const measured = service.socketBytes || rates[1] + rates[2] > 0 ? [bytes(rates[1]), bytes(rates[2])] : ["-", "-"];
    return row([service.name, service.frontends.join(", "), service.endpoints.join(", ") || "none",
      short.format(rates[0]), number.format(service.open), ...measured, short.format(rates[3])], service.opened || service.refused ? "" : "idle");
  }), "no service");
  of("shown").textContent = data.services.length < data.serviceMatches ? "the " + data.services.length + " busiest of " + number.format(data.serviceMatches) : number.format(data.serviceMatches) + " shown";
}

async function ask() {
  const state = of("state");
  try {
    const answer = await fetch("page.json?filter=" + encodeURIComponent(of("filter").value), { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status + " " + await answer.text());
    show(await answer.json());
    state.textContent = "The daemon answers.";
    state.className = "good";
  } catch (error) {
    state.textContent = "The daemon does not answer (" + error.message + "). What is below is from before; traffic goes on without it.";
    state.className = "bad";
  }
}

async function follow() {
  await ask();
  setTimeout(follow, every);
}

of("filter").addEventListener("input", ask);
follow();
