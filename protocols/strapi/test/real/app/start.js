/** Starts the application of this folder; the environment says where and with which database. */
const { createStrapi } = require('@strapi/core')

// Whoever started it holds the other end: a server that nobody waits for is none too many.
process.stdin.on('end', () => process.exit(0)).resume()

createStrapi({ appDir: __dirname, distDir: __dirname })
  .start()
  .catch((error) => {
    console.error(error)
    process.exit(1)
  })
