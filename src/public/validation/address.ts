/** The work is in validation/addresses. */
export {
  isValidBitcoinAddress,
  isValidEthereumAddress,
  isValidEthereumWithdrawalCredentials,
  isValidSolanaAddress,
} from '../../validation/addresses'
