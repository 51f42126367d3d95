import vue from '@vitejs/plugin-vue'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// Chromium 86 is the oldest browser that has to show the screens: Windows 7 offices cannot go further than 109, and
// domestic Linux ships 86 and later.
export default defineConfig({
  plugins: [vue()],
  // A tenth of what has to be there before the first paint, for buttons in colours of their own: there are none here.
  resolve: { alias: { '@ctrl/tinycolor': fileURLToPath(new URL('src/no-colours.ts', import.meta.url)) } },
  build: {
    target: 'chrome86',
    cssTarget: 'chrome86',
    outDir: 'dist/files',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
    rollupOptions: {
      // Top-level await is not lowered for old browsers: a warning here is a blank page there.
      onwarn(warning) {
        throw new Error(warning.message)
      },
      output: { manualChunks: (id) => (id.includes('/vue/') || id.includes('/@vue/') || id.includes('/vue-router/') ? 'vue' : undefined) }
    }
  },
  // A test compares the words with the catalog's states.
  server: { fs: { allow: ['.', '../../schema'] } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' }
} as never)
