import { KeyMark } from '../feeds/key-mark'
import { type AnyAdapter } from './adapter'
import { type AdapterEndpoint } from './adapter-endpoint'
import { type EndpointGenerics } from './params'

/**
 * A number that changes when anything changes that decides how a request to an endpoint is prepared, or whether its answer is sent
 * unchanged from the cache. Tests replace members of endpoints and adapters, and change settings, between requests (contract 4.1, 8.2, 16).
 * Such changes are detected only here. Code that keeps a decision keeps this number with it.
 */
export class RequestMark {
  private mark = 0
  private readonly keys: KeyMark
  private keyMark!: number
  private inputParameters: unknown
  private transforms!: number
  private overrides: unknown
  private router: unknown
  private inputValidation: unknown
  private outputValidation: unknown
  private handle: unknown
  private handleValidated: unknown
  private validate: unknown
  private find: unknown
  private changes: unknown

  constructor(
    private readonly endpoint: AdapterEndpoint<EndpointGenerics>,
    private readonly adapter: AnyAdapter,
  ) {
    this.keys = new KeyMark(adapter.settings)
    this.take()
  }

  now(): number {
    const { endpoint, adapter } = this
    if (
      this.keys.of(adapter.settings) !== this.keyMark ||
      endpoint.inputParameters !== this.inputParameters ||
      endpoint.requestTransforms.length !== this.transforms ||
      endpoint.overrides !== this.overrides ||
      endpoint.customRouter !== this.router ||
      endpoint.customInputValidation !== this.inputValidation ||
      endpoint.customOutputValidation !== this.outputValidation ||
      adapter.handleRequest !== this.handle ||
      adapter.handleRequestWithValidation !== this.handleValidated ||
      adapter.validateOutput !== this.validate ||
      adapter.findResponseInCache !== this.find ||
      adapter.changesAnswersBy !== this.changes
    ) {
      this.take()
      this.mark++
    }
    return this.mark
  }

  private take(): void {
    const { endpoint, adapter } = this
    this.keyMark = this.keys.of(adapter.settings)
    this.inputParameters = endpoint.inputParameters
    this.transforms = endpoint.requestTransforms.length
    this.overrides = endpoint.overrides
    this.router = endpoint.customRouter
    this.inputValidation = endpoint.customInputValidation
    this.outputValidation = endpoint.customOutputValidation
    this.handle = adapter.handleRequest
    this.handleValidated = adapter.handleRequestWithValidation
    this.validate = adapter.validateOutput
    this.find = adapter.findResponseInCache
    this.changes = adapter.changesAnswersBy
  }
}
