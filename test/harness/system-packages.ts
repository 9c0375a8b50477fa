/** Package managers of the machine over a root folder of their own, so that nothing of the machine changes and nobody need be root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A Debian package `plush-probe`; returns its file. It puts opt/plush-probe/version into place. */
export function buildDeb(folder: string, version: string): string {
  const tree = join(folder, 'deb');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'opt/plush-probe'), { recursive: true });
  const fields = ['Package: plush-probe', `Version: ${version}`, 'Architecture: all'];
  const control = [...fields, 'Maintainer: nobody <nobody@example.org>', 'Description: probe', ''];
  writeFileSync(join(tree, 'DEBIAN/control'), control.join('\n'));
  writeFileSync(join(tree, 'opt/plush-probe/version'), `${version}\n`);
  const file = join(folder, `plush-probe_${version}_all.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', tree, file], { stdio: 'ignore' });
  return file;
}

/** Environment with which apt-get works below `root`, and knows a repository of the packages in `repository`. */
export function aptRoot(root: string, repository: string): Record<string, string> {
  const folders = [
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'etc/apt',
    'var/lib/dpkg/info',
    'var/lib/dpkg/updates',
    'tmp',
    'var/log/apt',
    'etc/apt/apt.conf.d',
    'etc/apt/preferences.d',
  ];
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'var/lib/dpkg/status'), '');
  writeFileSync(
    join(repository, 'Packages'),
    readdirSync(repository)
      .flatMap((name) => index(repository, name))
      .join('\n'),
  );
  writeFileSync(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] file://${repository} ./\n`);
  const dpkg = [`--root=${root}`, '--force-not-root', '--force-bad-path', '--log=/dev/null'];
  const lines = [
    `Dir "${root}";`,
    `Dir::State::status "${root}/var/lib/dpkg/status";`,
    'APT::Sandbox::User "";',
    `DPkg::Options { ${dpkg.map((option) => `"${option}";`).join(' ')} };`,
    'Debug::NoLocking "true";',
  ];
  const config = join(root, 'apt.conf');
  writeFileSync(config, lines.join('\n'));
  execFileSync('apt-get', ['-qq', 'update'], {
    env: { ...process.env, APT_CONFIG: config },
    stdio: 'ignore',
  });
  return { APT_CONFIG: config };
}

/** A package's paragraph in a repository's index. */
function index(repository: string, name: string): string[] {
  if (!name.endsWith('.deb')) return [];
  const bytes = readFileSync(join(repository, name));
  const control = execFileSync('dpkg-deb', ['-f', join(repository, name)], { encoding: 'utf8' });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return [`${control.trim()}\nFilename: ./${name}\nSize: ${bytes.length}\nSHA256: ${sha256}\n`];
}

/** An RPM package that puts `target` into place; returns its file. `home` is where rpm then has its macros and database. */
export function buildRpm(home: string, target: string): string {
  writeFileSync(join(home, '.rpmmacros'), `%_dbpath ${home}/rpmdb\n%_topdir ${home}/rpmbuild\n`);
  const spec = join(home, 'probe.spec');
  const head = [
    'Name: plush-probe',
    'Version: 1.0',
    'Release: 1',
    'Summary: probe',
    'License: none',
    'BuildArch: noarch',
  ];
  const install = [
    '%install',
    `mkdir -p %{buildroot}$(dirname ${target})`,
    `echo 1.0 > %{buildroot}${target}`,
  ];
  writeFileSync(spec, [...head, '%description', 'probe', ...install, '%files', target, ''].join('\n'));
  execFileSync('rpmbuild', ['-bb', '--quiet', spec], {
    env: { ...process.env, HOME: home },
    stdio: 'ignore',
  });
  return join(home, 'rpmbuild/RPMS/noarch/plush-probe-1.0-1.noarch.rpm');
}

/** Whether dnf can be run here: it is for root. */
export function mayRunDnf(): boolean {
  const tools = ['dnf', 'createrepo_c'];
  return process.getuid?.() === 0 && tools.every((tool) => spawnSync(tool, ['--version']).status === 0);
}

/** A program `dnf` in `folder`, which is the machine's over a root folder of its own, and knows a repository of these packages. */
export function dnfRoot(folder: string, root: string, packages: readonly string[]): void {
  const repository = join(root, 'repository');
  mkdirSync(repository, { recursive: true });
  for (const file of packages) copyFileSync(file, join(repository, basename(file)));
  execFileSync('createrepo_c', ['-q', repository], { stdio: 'ignore' });
  const config = join(root, 'dnf.conf');
  const places = ['cachedir', 'logdir', 'persistdir', 'reposdir', 'pluginpath'];
  const main = ['[main]', 'gpgcheck=0', ...places.map((place) => `${place}=${join(root, 'dnf', place)}`)];
  const probe = ['[probe]', 'name=probe', `baseurl=file://${repository}`];
  writeFileSync(config, [...main, ...probe, ''].join('\n'));
  const real = execFileSync('sh', ['-c', 'command -v dnf'], { encoding: 'utf8' }).trim();
  const wrapper = `#!/bin/sh\nexec ${real} --config ${config} --installroot ${root} --releasever 1 "$@"\n`;
  writeFileSync(join(folder, 'dnf'), wrapper, { mode: 0o755 });
}
