/** Sees to it that the browser of the end-to-end tests is there. */
import { provide } from './debian.ts'

provide('/usr/bin/chromium', 'chromium', 'The browser tests need Chromium')
