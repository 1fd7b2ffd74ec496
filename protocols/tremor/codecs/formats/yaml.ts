import type { Codec } from '../codec'
import type { CodecLimits } from '../limits'
import { loadYaml } from '../optional-packages'
import { decodeUtf8, encodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { parseYaml } from './yaml-parsing'
import { YamlReading } from './yaml-reading'
import { yamlNode } from './yaml-writing'

/** Everything unquoted is a text to the package; what it stands for is decided here (yaml-scalar.ts). */
const options = {
  schema: 'failsafe',
  uniqueKeys: false,
  merge: false,
  resolveKnownTags: false,
  prettyErrors: false,
} as const

/** `yaml`: one document per chunk, by the rules of serde_yaml 0.9. */
export function yaml(_config: unknown, limits: CodecLimits): Codec {
  const library = loadYaml()
  return {
    decode(chunk) {
      const document = parseYaml(library, decodeUtf8(chunk), options, limits)
      return { value: new YamlReading(library, new TreeGuard(limits)).value(document.contents) }
    },
    encode(value) {
      const document = new library.Document(undefined, options)
      document.contents = yamlNode(library, value, limits.maxDepth)
      return encodeUtf8(document.toString({ lineWidth: 0 }))
    },
  }
}
