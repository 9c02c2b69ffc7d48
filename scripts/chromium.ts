/** Sees to it that the browser of the end-to-end tests is there. */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const chromium = '/usr/bin/chromium'

if (!existsSync(chromium)) {
  if (process.getuid?.() !== 0) {
    console.error(
      'The browser tests need Chromium: run `sudo apt-get install chromium`, then try again.',
    )
    process.exit(1)
  }
  console.log('Installing chromium …')
  const options: ExecFileSyncOptions = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  execFileSync('apt-get', ['update', '-qq'], options)
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options)
}
