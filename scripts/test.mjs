/**
 * `npm test [-- [--fuzz-inputs=N] [--fuzz-seed=N] JEST ARGUMENTS]`: sets up, then builds, lints, checks types and runs the tests. The last line printed is
 * `N passed, N failed`, where each check counts as one; the exit code is 0 only when something ran and nothing failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root, SetUpError } from './setup.mjs';

const CHECK_LIMIT_MS = 10 * 60_000;
const TESTS_LIMIT_MS = 60 * 60_000;

const count = { passed: 0, failed: 0 };

const complaint = await setUpComplaint();
if (complaint === undefined) {
  await check('build', () => setUpComplaint({ build: true }));
  await check('lint and format', lint);
  await check('types', () => run('typescript/bin/tsc', ['--noEmit', '-p', root]));
  runTests(process.argv.slice(2).filter((argument) => !isOfFuzzer(argument)));
} else {
  count.failed += 1;
  process.stdout.write(`FAILED  set-up\n${complaint}\n`);
}
process.exitCode = count.failed === 0 && count.passed > 0 ? 0 : 1;
process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);

/** Hands the fuzzer (test/contract/fuzz.test.ts) what is meant for it. */
function isOfFuzzer(argument) {
  const [, name, value] = /^--fuzz-(inputs|seed)=([0-9]+)$/.exec(argument) ?? [];
  if (name !== undefined) process.env[`PLUSH_FUZZ_${name.toUpperCase()}`] = value;
  return name !== undefined;
}

/** Runs one check; it answers what to print when it failed, or undefined. */
async function check(name, work) {
  const complaint = await work();
  count[complaint === undefined ? 'passed' : 'failed'] += 1;
  process.stdout.write(complaint === undefined ? `ok      ${name}\n` : `FAILED  ${name}\n${complaint}\n`);
}

/** Why the checkout cannot be made ready, or undefined when it is. */
async function setUpComplaint(options) {
  try {
    await prepare(options);
    return undefined;
  } catch (error) {
    if (error instanceof SetUpError) return error.message;
    throw error;
  }
}

function lint() {
  const colors = process.stdout.isTTY ? 'force' : 'off';
  return run('@biomejs/biome/bin/biome', ['ci', '--max-diagnostics=200', `--colors=${colors}`, '.']);
}

function run(tool, args) {
  const result = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: CHECK_LIMIT_MS,
    maxBuffer: 64 << 20,
  });
  if (result.error !== undefined) return result.error.message;
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`;
}

/** Runs jest; its report for people goes to our stdout, its figures to a file. */
function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'plush-test-'));
  const outputFile = join(folder, 'results.json');
  try {
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const result = spawnSync(process.execPath, [jest, '--json', `--outputFile=${outputFile}`, ...args], {
      cwd: root,
      // With --json, jest keeps stdout for the figures and reports on stderr.
      stdio: ['ignore', 'ignore', 1],
      timeout: TESTS_LIMIT_MS,
    });
    countTests(readFigures(outputFile), result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countTests(figures, result) {
  if (figures === undefined || figures.numTotalTests + figures.numRuntimeErrorTestSuites === 0) {
    process.stdout.write(`FAILED  no test ran (jest ended with ${result.status ?? result.signal})\n`);
    count.failed += 1;
    return;
  }
  const failed = figures.numFailedTests + figures.numRuntimeErrorTestSuites;
  count.passed += figures.numPassedTests;
  count.failed += failed;
  if (failed > 0 || result.status === 0) return;
  process.stdout.write(`FAILED  jest ended with ${result.status ?? result.signal} though its tests passed\n`);
  count.failed += 1;
}

function readFigures(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
