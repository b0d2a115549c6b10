/** A place where the native addon was looked for, and why it could not be loaded from there. */
export interface FailedAttempt {
  /** A path, or the package of a prebuilt addon. */
  readonly from: string;
  readonly error: Error & { readonly code?: string };
}

/** Where the addon is asked to run. */
export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** The C library's version; undefined on a system that has another than glibc. */
  readonly glibc: string | undefined;
}

/** Something that may be done, when it helps. */
interface Solution {
  helps(attempts: readonly FailedAttempt[], host: Host): boolean;
  readonly advice: string;
}

const isMissing = ({ error }: FailedAttempt) =>
  error.code === 'MODULE_NOT_FOUND' ||
  error.code === 'ENOENT' ||
  /no such file .*\.node$/.test(error.message);

const says = (pattern: RegExp) => (attempts: readonly FailedAttempt[]) =>
  attempts.some(({ error }) => pattern.test(error.message));

const isSupported = ({ platform, arch }: Host) => platform === 'linux' && arch === 'x64';

const solutions: readonly Solution[] = [
  {
    helps: (_, host) => !isSupported(host),
    advice: 'Octavo runs on Linux on x86-64 CPUs only',
  },
  {
    helps: (attempts, host) => isSupported(host) && host.glibc !== undefined && attempts.every(isMissing),
    advice:
      'the built addon is an optional dependency: install with them (npm install --include=optional), and not from a ' +
      'node_modules that was made on another platform',
  },
  {
    helps: (attempts, host) => isSupported(host) && attempts.some(isMissing),
    advice:
      'or build it here: OCTAVO_BUILD_FROM_SOURCE=1 npm rebuild octavo (needs g++, cmake and libdnnl-dev; in a checkout: npm run build:native)',
  },
  {
    helps: (attempts, host) => isSupported(host) && attempts.every(isMissing),
    advice: 'a bundler must leave octavo out of its bundle (esbuild: --external:octavo)',
  },
  {
    helps: (_, host) => isSupported(host) && host.glibc === undefined,
    advice:
      'this system has musl, or another C library than glibc, for which there is no built addon: build it here with oneDNN, or use an image with glibc (Debian, Ubuntu, …)',
  },
  {
    helps: says(/version `(GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found/),
    advice:
      'the addon was built on a newer system; the built one needs glibc 2.36 and the libstdc++ of GCC 12 (Debian 12, Ubuntu 24.04 and newer)',
  },
  {
    helps: says(/libdnnl\.so\.\d+: cannot open shared object file/),
    advice: "oneDNN is missing that the addon was built with: install Debian's or Ubuntu's libdnnl-dev",
  },
  {
    helps: says(/cannot open shared object file|undefined symbol|file too short|invalid ELF header/),
    advice:
      'the system was upgraded since the addon was built, or the file is damaged: install octavo again, or remove the folder "build" and build again',
  },
];

/** All that went wrong, and then what may be done about it. */
export function loadFailure(attempts: readonly FailedAttempt[], host: Host): Error {
  const causes = attempts.map(({ from, error }) => `- ${from}: ${error.message.split('\n')[0]}`);
  const advice = solutions.filter(({ helps }) => helps(attempts, host)).map((each) => `- ${each.advice}`);
  const system = `${host.platform} ${host.arch}, ${host.glibc === undefined ? 'no glibc' : `glibc ${host.glibc}`}`;
  return new Error(
    [
      `Octavo's native addon could not be loaded (${system}):`,
      ...causes,
      ...(advice.length > 0 ? ['Possible solutions:', ...advice] : []),
    ].join('\n'),
    { cause: attempts.at(-1)?.error },
  );
}
