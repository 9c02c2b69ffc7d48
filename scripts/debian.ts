/** Brings a program of Debian that the tests run, when it is missing. */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * Installs a package where this process may; says how and ends it where it may not.
 *
 * @param path of the program, as the package puts it
 * @param name of the package
 * @param purpose the start of the sentence that says who needs it
 */
export function provide(path: string, name: string, purpose: string): void {
  if (existsSync(path)) return
  if (process.getuid?.() !== 0) {
    console.error(`${purpose}: run \`sudo apt-get install ${name}\`, then try again.`)
    process.exit(1)
  }
  console.log(`Installing ${name} …`)
  const options: ExecFileSyncOptions = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  execFileSync('apt-get', ['update', '-qq'], options)
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options)
}
