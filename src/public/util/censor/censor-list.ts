/** The work is in util/redaction. */
export { CensorList as default, type CensorKeyValue } from '../../../util/redaction'
