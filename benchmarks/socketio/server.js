// The reference: one room, every note stored in SQLite with a full sync and then emitted to all.
// node server.js <database> <each|group> prints its port. "each" commits every note by itself, as the documentation
// of Socket.IO shows it; "group" commits all that came in one turn of the event loop together.
"use strict";

const { createServer } = require("node:http");
const { randomBytes } = require("node:crypto");
const Database = require("better-sqlite3");
const { Server } = require("socket.io");

const [path, mode] = process.argv.slice(2);
const database = new Database(path);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec(`CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, client TEXT NOT NULL, n INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE (client, n))`);
const insert = database.prepare("INSERT INTO events (client, n, at, body) VALUES (?, ?, ?, ?)");

function store(note) {
  const at = new Date().toISOString();
  const { lastInsertRowid } = insert.run(note.client, note.n, at, JSON.stringify(note.command));
  return { seq: Number(lastInsertRowid), at, client: note.client, n: note.n, command: note.command, id: note.id };
}

const web = createServer();
const io = new Server(web, { transports: ["websocket"], perMessageDeflate: false });
const emit = (event) => io.emit("event", event);

let waiting = [];
const storeAll = database.transaction((notes) => notes.map(store));

function flush() {
  const notes = waiting;
  waiting = [];
  storeAll(notes).forEach(emit);
}

io.on("connection", (socket) => {
  socket.on("command", (note) => {
    note.id = randomBytes(16).toString("hex");
    if (mode === "each") {
      emit(store(note));
      return;
    }
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(note);
  });
});

web.listen(0, "127.0.0.1", () => console.log(web.address().port));
