export { TransferError, type TransferErrorKind, type TransferReason } from './errors'
export {
  type AttributeKind,
  type Attributes,
  type ContentTypeMapping,
  contentTypeMapping,
  type Row,
} from './mapping'
export { type PriceAttributes, priceMapping, type PriceResult } from './price-mapping'
export { AllowedTypes, type Entity } from './content-types'
export { Pull, type PullOptions } from './pull'
export { type StrapiPullConfig, StrapiPullTransport } from './pull-transport'
export { strapiRest, type StrapiRestOptions } from './rest-preset'
export { type PushContent, type PushLink, type PushRow } from './push/content'
export { type PushMode, type RowMatch, type Scalar } from './push/mode'
export { type SinkMode } from './push/plan'
export { type PushOutcome, type PushServer, pushToStrapi, type SentDocument } from './push/push-transfer'
export { type SinkReport } from './push/sink'
export { type ServedValue, type SinkSource } from './push/sink-feeds'
export {
  type SinkConnection,
  type StrapiPushConfig,
  type StrapiPushGenerics,
  StrapiPushTransport,
} from './push/sink-transport'
export { isCommitted } from './push/verification'
