import { createServer, type Server, Socket } from 'node:net';

/** A cable between the controller and SSH servers that can be cut: nobody hears of it, what was sent is sent in vain. */
export interface Cable {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Leads every connection to one of the addresses on its own port to the same address at `port`. */
export async function layCable(addresses: readonly string[], port: number): Promise<Cable> {
  const servers: Server[] = [];
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  let own = 0;
  const join = (here: Socket, address: string) => {
    const there = new Socket();
    const pair = [here, there] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      // While the cable is cut, the other side is not told.
      if (isCut) return;
      here.destroy();
      there.destroy();
    };
    for (const [from, to] of [pair, [there, here]] as const) {
      from.on('data', (chunk) => {
        if (!isCut) to.write(chunk);
      });
      from.on('error', () => undefined).on('close', end);
    }
    if (!isCut) there.connect(port, address);
  };
  for (const address of addresses) {
    const server = createServer((here) => join(here, address));
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject).listen(own, address, resolve);
    });
    const at = server.address();
    if (at !== null && typeof at === 'object') own = at.port;
    servers.push(server);
  }
  const breakAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    port: own,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      breakAll();
    },
    close: async () => {
      breakAll();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
