export { CensorList as default, type CensorKeyValue } from '../redaction'
