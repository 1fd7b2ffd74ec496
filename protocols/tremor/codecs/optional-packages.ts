/* eslint-disable @typescript-eslint/no-require-imports -- optional packages load with what is configured to need them, and not by `import()`, which fails under jest */
import type * as ZstdWasm from '@bokuweb/zstd-wasm'
import type * as Lzma from '@napi-rs/lzma'
import type * as Avro from 'avsc'
import type * as Lz4 from 'lz4-napi'
import type * as Snappy from 'snappy'
import type * as Yaml from 'yaml'
import { DefinitionError } from './errors'

// Each throws a DefinitionError where the package cannot be loaded.
export const loadZstd = () =>
  load('@bokuweb/zstd-wasm', 'zstd', () => require('@bokuweb/zstd-wasm') as typeof ZstdWasm)
export const loadLzma = () => load('@napi-rs/lzma', 'xz2', () => require('@napi-rs/lzma') as typeof Lzma)
export const loadAvro = () => load('avsc', 'codec avro', () => require('avsc') as typeof Avro)
export const loadLz4 = () => load('lz4-napi', 'lz4', () => require('lz4-napi') as typeof Lz4)
export const loadSnappy = () => load('snappy', 'snappy', () => require('snappy') as typeof Snappy)
export const loadYaml = () => load('yaml', 'codec yaml', () => require('yaml') as typeof Yaml)

function load<T>(name: string, what: string, open: () => T): T {
  try {
    return open()
  } catch (cause) {
    throw new DefinitionError(`${what} needs the package ${name}, which cannot be loaded; is it installed?`, {
      cause,
    })
  }
}
