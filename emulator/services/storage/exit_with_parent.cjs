// Loaded into Node.js before Azurite: ends it, in order, when the daemon that holds the other end of stdin is gone.
process.stdin.on("end", () => process.kill(process.pid, "SIGINT")).resume();
