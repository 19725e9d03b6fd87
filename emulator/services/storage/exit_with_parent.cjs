// Loaded into Node.js before Azurite: interrupts it when standard input is closed, that is, when the daemon has ended.
process.stdin.on("end", () => process.kill(process.pid, "SIGINT")).resume();
