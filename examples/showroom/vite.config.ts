import { fileURLToPath } from 'node:url'
import preact from '@preact/preset-vite'
import { defineConfig } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('pages'),
  plugins: [preact()],
  build: {
    outDir: at('dist'),
    emptyOutDir: true,
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: ['index', 'shop', 'account', 'continue', 'board', 'analytics'].map((page) =>
        at(`pages/${page}.html`),
      ),
    },
  },
})
