/** Names of two assets each, which differ in letter case alone: at no venue is one of them guessed to be meant. */
const TWINS = ['USDe', 'USDE']

const CURRENCIES = 'USD EUR GBP JPY CHF CAD AUD NZD SGD HKD KRW TRY BRL MXN PLN SEK NOK DKK ZAR INR'

const STABLECOINS = 'USDT USDC DAI PYUSD USDP FDUSD USDD FRAX EURC'

const COINS = [
  'BTC ETH SOL XRP ADA DOGE LTC BCH ETC XLM XMR ZEC DASH DOT KSM LINK UNI AAVE ATOM ALGO NEAR APT ARB OP SUI TON',
  'HBAR ICP VET GRT MKR CRV LDO COMP SNX YFI SUSHI BAL SAND MANA AXS ENJ CHZ BAT ZRX XTZ EOS TRX AVAX MATIC POL',
  'SHIB PEPE BONK WIF INJ SEI TIA RUNE STX IMX DYDX FET RENDER FIL BNB WBTC PAXG XAUT MINA FLOW EGLD THETA QTUM',
].join(' ')

/** Names that are the same at all venues, as they are spelled: `Eth` can only be ETH. */
export const KNOWN_ASSETS = [...TWINS, ...[CURRENCIES, STABLECOINS, COINS].join(' ').split(' ')]
