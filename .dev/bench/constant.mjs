// Answers everything with the same bytes: what the client can do where the server does nothing.

import { createServer } from "node:net";

const BODY = JSON.stringify({ userName: "x".repeat(700) });
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("data", () => socket.write(ANSWER));
  socket.on("error", () => socket.destroy());
}).listen(Number(process.argv[2]), "127.0.0.1");
