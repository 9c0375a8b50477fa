/** PlanetLab Central on the loopback: a real XML-RPC server in Python, with the names of PLCAPI's methods. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from './wait.ts';

/** Everything that it knows. What is left out stays as it was. */
export interface PlcData {
  readonly users?: Readonly<Record<string, string>>;
  readonly slices?: Readonly<
    Record<string, { readonly members: readonly string[]; readonly node_ids: readonly number[] }>
  >;
  readonly nodes?: readonly (readonly [id: number, hostname: string, boot_state: string])[];
  /**
   * answer; echo: a fault that repeats the password; garbage: no XML-RPC; huge: without an end; status: 503; silent: no answer
   * ever; redirect: to another path.
   */
  readonly mode?: 'answer' | 'echo' | 'garbage' | 'huge' | 'status' | 'silent' | 'redirect';
}

export interface Plc {
  readonly url: string;
  /** Calls so far, such as "GetSlices 2", with the number of things asked for. */
  readonly calls: readonly string[];
  know(data: PlcData): Promise<void>;
  close(): Promise<void>;
}

export async function startPlc(data: PlcData): Promise<Plc> {
  const child = spawn('python3', [join(__dirname, 'plc_server.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let url = '';
  let readies = 0;
  const calls: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') readies += 1;
    else if (line.startsWith('call ')) calls.push(line.slice(5));
    else url = line;
  });
  await waitFor('PlanetLab Central to serve', () => url !== '');
  const plc: Plc = {
    url,
    calls,
    async know(now) {
      const awaited = readies + 1;
      child.stdin.write(`${JSON.stringify(now)}\n`);
      await waitFor('PlanetLab Central to know', () => readies >= awaited);
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
  await plc.know(data);
  return plc;
}
