/** Certificates for this machine, made by `openssl` for one case. Each is its own authority. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param folder - where its files are put
 * @param name - of the files
 * @returns the PEM texts `cert` and `key`, and the paths of their files
 */
export const certificateIn = (folder, name) => {
  const [keyFile, certFile] = ['key', 'crt'].map((kind) => join(folder, `${name}.${kind}`))
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', ...made, ...names, ...files], { stdio: 'ignore' })
  const [key, cert] = [keyFile, certFile].map((path) => readFileSync(path, 'utf8'))
  return { key, cert, keyFile, certFile }
}
