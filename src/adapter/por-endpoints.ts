import { type TransportGenerics } from '../transports/transport'
import { type InputParametersDefinition } from '../validation/input-parameters'
import { AdapterEndpoint } from './adapter-endpoint'

/** An address whose balance counts towards a reserve. */
export type PoRAddress = Record<string, unknown> & {
  network: string
  chainId: string
  address: string
}

/** A token whose balances in some wallets count towards a reserve. */
export type PoRTokenAddress = Record<string, unknown> & {
  network?: string
  chainId?: string
  contractAddress: string
  wallets: string[]
  balanceOfSignature?: string
  decimalsSignature?: string
}

/** The balance of one address. It is text, because a number cannot hold all balances exactly. */
export type PoRBalance = Record<string, unknown> & { balance: string }

export type PoRAddressResponse = { Result: null; Data: { result: PoRAddress[] } }
export type PoRTokenAddressResponse = { Result: null; Data: { result: PoRTokenAddress[] } }
export type PoRBalanceResponse = { Result: null; Data: { result: PoRBalance[] } }
type PoRTotalBalanceResponse = { Result: string; Data: { result: string } }

/** The report of a custodian. With `ripcord` the custodian itself says that the number is not reliable. */
export type PoRProviderResponse = { Result: number; Data: { result: number; ripcord: boolean } }

export type PoRBalanceEndpointInputParametersDefinition = InputParametersDefinition & {
  addresses: {
    aliases: readonly ['result', ...string[]]
    required: boolean
    array: boolean
    description: 'An array of addresses to get the balances of (as an object with string `address` as an attribute)'
    type: {
      address: {
        type: 'string'
        description: 'an address to get the balance of'
        required: true
      }
    }
  }
}

/**
 * The parameter `addresses`. It may also be named `result`, so that the answer of an address endpoint can be the request to a balance
 * endpoint.
 */
export const porBalanceEndpointInputParametersDefinition = {
  addresses: {
    aliases: ['result'],
    array: true,
    type: {
      address: {
        type: 'string',
        description: 'an address to get the balance of',
        required: true,
      },
    },
    description:
      'An array of addresses to get the balances of (as an object with string `address` as an attribute)',
    required: true,
  },
} as const satisfies PoRBalanceEndpointInputParametersDefinition

export type PoRAddressEndpointGenerics = TransportGenerics & { Response: PoRAddressResponse }
export type PoRTokenAddressEndpointGenerics = TransportGenerics & { Response: PoRTokenAddressResponse }
export type PoRBalanceEndpointGenerics = TransportGenerics & {
  Parameters: PoRBalanceEndpointInputParametersDefinition
  Response: PoRBalanceResponse
}
export type PoRTotalBalanceEndpointGenerics = TransportGenerics & {
  Parameters: PoRBalanceEndpointInputParametersDefinition
  Response: PoRTotalBalanceResponse
}
export type PoRProviderEndpointGenerics = TransportGenerics & { Response: PoRProviderResponse }

/** Marks an endpoint that lists the addresses of a reserve. */
export class PoRAddressEndpoint<T extends PoRAddressEndpointGenerics> extends AdapterEndpoint<T> {}

/** Marks an endpoint that lists the tokens of a reserve, and the wallets they are in. */
export class PoRTokenAddressEndpoint<T extends PoRTokenAddressEndpointGenerics> extends AdapterEndpoint<T> {}

/** Marks an endpoint that looks up the balance of each address of a request. */
export class PoRBalanceEndpoint<T extends PoRBalanceEndpointGenerics> extends AdapterEndpoint<T> {}

/** Marks an endpoint that adds up the balances of the addresses of a request. */
export class PoRTotalBalanceEndpoint<T extends PoRTotalBalanceEndpointGenerics> extends AdapterEndpoint<T> {}

/** Marks an endpoint that returns the report of a custodian. */
export class PoRProviderEndpoint<T extends PoRProviderEndpointGenerics> extends AdapterEndpoint<T> {}
