export {
  isValidBitcoinAddress,
  isValidEthereumAddress,
  isValidEthereumWithdrawalCredentials,
  isValidSolanaAddress,
} from './addresses'
